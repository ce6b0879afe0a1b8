"""schemathesis over the whole OpenAPI document: see `python -m tests.fuzz --help`."""
