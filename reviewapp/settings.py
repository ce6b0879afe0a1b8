"""Django settings. Everything that differs between installations comes from the environment."""

import os
from datetime import timedelta
from pathlib import Path

from django.utils.translation import gettext_lazy as _
from dotenv import load_dotenv

from reviewapp.environment import mail_settings, read_environment

BASE_DIR = Path(__file__).resolve().parent.parent
load_dotenv(BASE_DIR / ".env")
ENVIRONMENT = read_environment(os.environ, BASE_DIR)

SECRET_KEY = ENVIRONMENT.secret_key
DEBUG = ENVIRONMENT.debug
ALLOWED_HOSTS = ENVIRONMENT.allowed_hosts
DATA_DIR = ENVIRONMENT.data_dir
EMBEDDED = ENVIRONMENT.embedded

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "axes",
    "reviewapp.core",
    "labeling",
    "routing",
    "reviewapp.demo",
    "reviewapp.simulation",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "reviewapp.core.middleware.BodyLimitMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "reviewapp.core.middleware.NoStoreMiddleware",
    "reviewapp.core.middleware.AddressMiddleware",
    "reviewapp.core.middleware.PreferencesMiddleware",
    "reviewapp.core.languages.EnglishApiMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "reviewapp.core.middleware.LastSeenMiddleware",
    "reviewapp.core.middleware.SecondFactorMiddleware",
    # Turns a refused sign-in into the page that says until when; it wants to be the last.
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "reviewapp.urls"
WSGI_APPLICATION = "reviewapp.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "reviewapp" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASES = {"default": ENVIRONMENT.database}
if ENVIRONMENT.replica:
    DATABASES["replica"] = ENVIRONMENT.replica
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "core.Person"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
AUTHENTICATION_BACKENDS = [
    "reviewapp.core.accounts.lockout.LockoutBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"

# People are known by their e-mail address; nobody signs up by themselves (see docs/accounts.md).
ACCOUNT_ADAPTER = "reviewapp.core.accounts.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_FORMS = {"login": "reviewapp.core.accounts.forms.SignInForm"}
# Offices share an address; guessing at one account is stopped by the lock-out below.
ACCOUNT_RATE_LIMITS = {"login": "120/m/ip"}
MFA_ADAPTER = "reviewapp.core.accounts.adapters.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_FORMS = {
    "activate_totp": "reviewapp.core.accounts.forms.ActivationForm",
    "authenticate": "reviewapp.core.accounts.forms.SecondFactorForm",
    "reauthenticate": "reviewapp.core.accounts.forms.ConfirmationForm",
}
MFA_TOTP_ISSUER = "Oversight"
# A code is good for its half minute and the ones before and after, because clocks differ and typing takes time.
MFA_TOTP_TOLERANCE = 1
SOCIALACCOUNT_ADAPTER = "reviewapp.core.accounts.adapters.SignInServiceAdapter"
# A link, because under our policy no form may lead to another host. It can only sign in, never connect.
SOCIALACCOUNT_LOGIN_ON_GET = True
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": "sso",
                "name": ENVIRONMENT.oidc.name,
                "client_id": ENVIRONMENT.oidc.client_id,
                "secret": ENVIRONMENT.oidc.client_secret,
                "settings": {"server_url": ENVIRONMENT.oidc.server_url},
            }
        ]
        if ENVIRONMENT.oidc
        else [],
    }
}

# Five wrong passwords for an address from one place: that pair waits. Kept in the database, for all processes.
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_HANDLER = "axes.handlers.database.AxesDatabaseHandler"
AXES_USERNAME_CALLABLE = "reviewapp.core.accounts.lockout.typed_address"
AXES_CLIENT_IP_CALLABLE = "reviewapp.core.accounts.lockout.client_address"
AXES_LOCKOUT_CALLABLE = "reviewapp.core.accounts.lockout.locked_out"
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False

# Without EMAIL_URL nothing is sent, and pages say so instead of promising mail.
SENDS_EMAIL = ENVIRONMENT.email_url is not None
globals().update(mail_settings(ENVIRONMENT.email_url))
DEFAULT_FROM_EMAIL = ENVIRONMENT.email_from
TRUSTED_PROXIES = ENVIRONMENT.trusted_proxies
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": ENVIRONMENT.redis_url,
    }
    if ENVIRONMENT.redis_url
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

LANGUAGE_CODE = "en-gb"
LANGUAGES = [("en-gb", _("English")), ("de", _("German"))]
LOCALE_PATHS = [BASE_DIR / "reviewapp" / "locale"]
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Serve straight from the source folders: no collectstatic is needed to start.
WHITENOISE_USE_FINDERS = True

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}

# One JSON body may be this large; more answers 413. A single text may be `MAX_TEXT_CHARS` long.
MAX_BODY_BYTES = ENVIRONMENT.max_body_bytes
MAX_TEXT_CHARS = ENVIRONMENT.max_text_chars
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
# Where webhooks and judges may be although it is not on the public internet; routing/services/targets.py.
PRIVATE_TARGETS = ENVIRONMENT.private_targets

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "reviewapp.core.authentication.ApiKeyAuthentication",
        "reviewapp.core.authentication.PersonTokenAuthentication",
        "reviewapp.core.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["reviewapp.core.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "reviewapp.core.openapi.OperationSchema",
    "EXCEPTION_HANDLER": "reviewapp.core.problems.problem_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Oversight API",
    "DESCRIPTION": "Route AI outputs, review them blind, read verdicts back, steer policies.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_NAME_OVERRIDES": {"StakesEnum": "routing.models.Stakes"},
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

CELERY_BROKER_URL = ENVIRONMENT.redis_url or "memory://localhost/"
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"visibility_timeout": 3600, "unacked_restore_throttle": 1, "unacked_restore_interval": 5}
    if ENVIRONMENT.redis_url
    else {"polling_interval": 0.02}
)
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "watch-gold": {"task": "labeling.tasks.watch_gold_everywhere", "schedule": 300.0, "options": {"expires": 300}},
    "watch-reviewers": {"task": "labeling.tasks.watch_reviewers_everywhere", "schedule": 300.0},
    "return-expired-leases": {"task": "labeling.tasks.return_expired_leases_everywhere", "schedule": 15.0},
    "watch-queues": {"task": "labeling.tasks.watch_queues", "schedule": 60.0, "options": {"expires": 60}},
    "settle-rounds": {"task": "labeling.tasks.settle_rounds_everywhere", "schedule": 60.0, "options": {"expires": 60}},
    "watch-slices": {"task": "labeling.tasks.watch_slices_everywhere", "schedule": 180.0},
    "settle-overlap-rounds": {"task": "labeling.tasks.settle_overlap_rounds_everywhere", "schedule": 300.0},
    "start-due-rounds": {"task": "labeling.tasks.start_due_rounds_everywhere", "schedule": 3600.0},
    "plan-repeats": {"task": "labeling.tasks.plan_repeats_everywhere", "schedule": 3600.0},
    "look-at-traffic": {"task": "routing.tasks.look_at_traffic_everywhere", "schedule": 300.0},
    # Often, because somebody waits for the verdict; stale ones would only pile up behind a worker that was away.
    "pass-verdicts-on": {"task": "routing.tasks.pass_verdicts_on", "schedule": 3.0, "options": {"expires": 30}},
    "propose-due-recalibrations": {"task": "routing.tasks.propose_due_recalibrations", "schedule": 3600.0},
    "put-due-policies-in-force": {"task": "routing.tasks.put_due_policies_in_force", "schedule": 15.0},
    "ask-judges": {"task": "routing.tasks.ask_judges", "schedule": 3.0, "options": {"expires": 30}},
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {"django.request": {"level": "ERROR"}, "celery": {"level": "WARNING"}, "axes": {"level": "WARNING"}},
}
