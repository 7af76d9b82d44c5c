export { type Credentials, fetchVerificationKey, openCredentials } from './open-credentials.ts';
export { macOfSecret, type Presented, type Refusal, type Verdict, verifyToken } from './verify-token.ts';
