"""Tests of the integration and the app, with Home Assistant and the server as real processes."""
