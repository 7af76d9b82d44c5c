"""The program that starts inside a container: serves HTTP straight into the user's web functions."""
