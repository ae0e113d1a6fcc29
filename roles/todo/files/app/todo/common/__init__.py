"""What the three services share: settings, logs, errors, request handling, health and the server itself."""
