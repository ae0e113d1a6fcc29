"""The web service: the page, and the one API that the browser talks to; it passes requests on to rule and user."""
