export { type HttpServer, serveHttp, type ServeHttpOptions } from './serve-http.ts';
