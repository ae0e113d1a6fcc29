"""The user service: who the current user is. Version v1 and v2 answer differently, to make traffic splits visible."""
