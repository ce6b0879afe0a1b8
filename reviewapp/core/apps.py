from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "reviewapp.core"
    label = "core"

    def ready(self) -> None:
        # Registers itself with drf-spectacular on import.
        import reviewapp.core.openapi  # noqa: F401
