"""Ingest from elsewhere: what other tools export, as bodies of `POST /outputs/`."""
