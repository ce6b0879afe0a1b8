"""The services that tests need: PostgreSQL, Redis and Chromium, found, installed or started here.

Each is looked for in this order: an address or path in the environment, what the machine has, a
Debian package (as root), a hash-locked wheel or playwright's own build. If none can be had,
`ServiceUnavailable` says which command would help; nothing is ever skipped silently.
"""
