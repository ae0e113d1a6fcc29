"""The current user's name in each version of the service."""

NAMES = {"v1": "秦粤", "v2": "粤秦D"}
