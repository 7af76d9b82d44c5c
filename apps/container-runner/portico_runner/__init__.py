"""The program that starts inside a container and serves HTTP straight into the user's web functions."""
