"""Signing in and the person's own account: what is ours around django-allauth and django-axes."""
