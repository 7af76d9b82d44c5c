"""A package of the user, sent along with the app."""

NAME = "picture"
