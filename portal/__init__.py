"""The Foundation Portal: the application and how its parts are joined."""

from portal.app import create_app

__all__ = ["create_app"]
