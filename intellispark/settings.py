"""Every setting of the project, read from the environment (see README, "Configure").

A value in the environment wins over the same name in `.env`. With DEBUG off, a missing or
unsafe value stops the start and says which one it is; what is only doubtful (`DOUBTS`) is said
when the server starts.
"""

import logging
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from intellispark.environment import (
    choice,
    env,
    hosts,
    networks,
    origins,
    seconds,
    switch,
    text,
    url,
    whole_number,
)
from intellispark.logs import logging_config
from intellispark.realtime.transport.hosts import parse_hosts

BASE_DIR = Path(__file__).resolve().parent.parent
env.read_env(BASE_DIR / ".env")

DEBUG = switch("DEBUG", default=False)
SECRET_KEY = text("SECRET_KEY", default="for-development-only" if DEBUG else "")
ALLOWED_HOSTS = hosts("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"] if DEBUG else [])
CSRF_TRUSTED_ORIGINS = origins("CSRF_TRUSTED_ORIGINS")
_behind_https = any(urlsplit(origin).scheme == "https" for origin in CSRF_TRUSTED_ORIGINS)
# What absolute links begin with, whatever host a request named. Without one, with that host, and
# then no mails are sent in production.
ORIGIN = next((origin for origin in CSRF_TRUSTED_ORIGINS if "*" not in origin), "")
TRUSTED_PROXIES = networks("TRUSTED_PROXIES")
HOST = text("HOST", default="127.0.0.1")
PORT = whole_number("PORT", default=8000, least=1, most=65_535)
REDIS_URL = text("REDIS_URL")
CHANNEL_HOSTS = text("CHANNEL_HOSTS") or REDIS_URL
DATABASE_URL = url(
    "DATABASE_URL",
    default="sqlite:///db.sqlite3" if DEBUG else "",
    schemes=("sqlite", "postgres", "postgresql"),
)
EMAIL_CONFIRMATION = choice("EMAIL_CONFIRMATION", default="optional", choices=("optional", "on"))
EMAIL_URL = url("EMAIL_URL", default="consolemail://" if DEBUG else "", schemes=env.EMAIL_SCHEMES)
RATE_LIMITS = switch("RATE_LIMITS", default=True)
PAYMENT_GATEWAYS = {"sandbox": "payments.billing.gateways.sandbox.gateway.SandboxGateway"}
PAYMENT_GATEWAY = choice(
    "PAYMENTS", default="sandbox" if DEBUG else "off", choices=("off", *PAYMENT_GATEWAYS)
)

_dangers = {
    "SECRET_KEY is missing": not SECRET_KEY,
    "SECRET_KEY is shorter than 32 characters": not DEBUG and 0 < len(SECRET_KEY) < 32,
    "ALLOWED_HOSTS is missing": not ALLOWED_HOSTS,
    "ALLOWED_HOSTS=* would accept every Origin": not DEBUG and "*" in ALLOWED_HOSTS,
    "DATABASE_URL is missing": not DATABASE_URL,
    # An https origin means a proxy. Without its name all people have its one address: ten
    # sign-ins a minute for the whole site.
    "TRUSTED_PROXIES is missing: name the proxy that speaks https": (
        not DEBUG and _behind_https and not TRUSTED_PROXIES
    ),
    "EMAIL_CONFIRMATION=on needs an EMAIL_URL": EMAIL_CONFIRMATION == "on" and not EMAIL_URL,
    # Else they began with the host and port that whoever asked for the mail has named.
    "EMAIL_URL needs our origin in CSRF_TRUSTED_ORIGINS: links in mails begin with it": (
        not DEBUG and bool(EMAIL_URL) and not ORIGIN
    ),
}
_unsafe = [danger for danger, present in _dangers.items() if present]
if _unsafe:
    raise ImproperlyConfigured(
        "This is a production start (DEBUG is off) and it is not safe: " + "; ".join(_unsafe) + "."
    )

_doubts = {
    "PAYMENTS=sandbox: whoever signs up can give themselves tokens; no money moves": (
        PAYMENT_GATEWAY == "sandbox"
    ),
    "EMAIL_URL is missing: no mail is sent, so nobody can choose a new password": not EMAIL_URL,
    "EMAIL_URL prints mails, with links that let people in": EMAIL_URL.startswith("consolemail"),
    "RATE_LIMITS=off: passwords can be tried without end": not RATE_LIMITS,
    "CSRF_TRUSTED_ORIGINS names no https origin: passwords and cookies travel in the clear": (
        not _behind_https
    ),
}
DOUBTS = [doubt for doubt, present in _doubts.items() if present and not DEBUG]

INSTALLED_APPS = [
    "daphne",
    "intellispark.accounts",
    "intellispark.api",
    "intellispark.realtime",
    "payments",
    "chat",
    "intellispark.apps.IntelliSparkConfig",
    "intellispark.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "channels",
    "csp",
    "django_structlog",
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]

# All of it stays on the event loop: see intellispark/middleware.py.
MIDDLEWARE = [
    "intellispark.api.proxies.behind_proxies",
    "intellispark.middleware.AsyncSecurityMiddleware",
    "intellispark.middleware.static_files",
    "intellispark.middleware.RequestLogMiddleware",
    # Before whatever may answer by itself: refusals carry these headers too.
    "intellispark.middleware.AsyncXFrameOptionsMiddleware",
    "intellispark.middleware.AsyncCSPMiddleware",
    "intellispark.api.middleware.errors",
    "intellispark.middleware.AsyncSessionMiddleware",
    "intellispark.middleware.AsyncCommonMiddleware",
    "intellispark.middleware.AsyncCsrfViewMiddleware",
    "intellispark.middleware.AsyncAuthenticationMiddleware",
    "intellispark.accounts.middleware.language",
    "intellispark.accounts.middleware.rate_limits",  # before any work but finding out who it is
    "intellispark.api.middleware.at_the_door",
    "intellispark.accounts.middleware.suspension",
    "intellispark.middleware.AsyncMessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF = "intellispark.urls"
ASGI_APPLICATION = "intellispark.asgi.application"
FORM_RENDERER = "intellispark.form_fields.FormRenderer"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [
            BASE_DIR / "templates",
            *sorted(BASE_DIR.glob("payments/billing/gateways/*/templates")),
        ],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "csp.context_processors.nonce",
                "intellispark.accounts.context_processors.contact",
                "payments.context_processors.balance",
                "chat.context_processors.sidebar",
            ],
        },
    },
]

# --- Data -------------------------------------------------------------------------------------

LOCK_WAIT_SECS = 3  # PostgreSQL; then a 503 that may be sent again

DATABASES = {"default": env.db_url_config(DATABASE_URL)}
DATABASES["default"]["CONN_MAX_AGE"] = 0  # persistent connections leak under ASGI
_options = DATABASES["default"].setdefault("OPTIONS", {})  # those of the URL: sslmode, a socket
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    _options |= {
        "transaction_mode": "IMMEDIATE",  # a read that turns into a write must not fail at once
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
else:
    DATABASES["default"]["ENGINE"] = "intellispark.postgresql"
    _options |= {
        # One for pages, one for our threads. Whoever has waited so long, or finds so many waiting,
        # gets a 503.
        "pool": {"min_size": 1, "max_size": 12, "timeout": 10, "max_waiting": 200},
        "connect_timeout": 5,
        "tcp_user_timeout": 10_000,  # ms: a server whose machine is gone says nothing
        "options": f"{_options.get('options', '')} -c lock_timeout={LOCK_WAIT_SECS}s".strip(),
        "server_side_binding": True,
        "prepare_threshold": 1,  # from the second run on: migrations send two commands in one
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

try:
    _hosts = parse_hosts(CHANNEL_HOSTS)
except ValueError as _error:
    _name = "REDIS_URL" if CHANNEL_HOSTS == REDIS_URL else "CHANNEL_HOSTS"
    raise ImproperlyConfigured(f"{_name} is malformed: {_error}") from None
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "intellispark.realtime.transport.layer.DirectChannelLayer",
        "CONFIG": {"hosts": _hosts},  # none: the sockets of this process only
    }
}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# --- People -----------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    *(
        {"NAME": f"django.contrib.auth.password_validation.{name}"}
        for name in (
            "UserAttributeSimilarityValidator",
            "MinimumLengthValidator",
            "CommonPasswordValidator",
            "NumericPasswordValidator",
        )
    ),
    {"NAME": "intellispark.accounts.password_rules.DifferentCharacters"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "intellispark.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*"]
ACCOUNT_FORMS = {
    "signup": "intellispark.accounts.forms.SignupForm",
    "login": "intellispark.accounts.plain_forms.LoginForm",
    "change_password": "intellispark.accounts.plain_forms.ChangePasswordForm",
    "reauthenticate": "intellispark.accounts.plain_forms.ReauthenticateForm",
    "reset_password": "intellispark.accounts.plain_forms.ResetPasswordForm",
    "reset_password_from_key": "intellispark.accounts.plain_forms.ResetPasswordKeyForm",
}
ACCOUNT_USERNAME_BLACKLIST = ["admin", "administrator", "intellispark", "moderator", "support"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if EMAIL_CONFIRMATION == "on" else "optional"
ACCOUNT_EMAIL_NOTIFICATIONS = True  # of a changed password
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "intellispark.accounts.reset_tokens.ResetTokens"  # noqa: S105
ACCOUNT_EMAIL_SUBJECT_PREFIX = "IntelliSpark: "
ACCOUNT_RATE_LIMITS = False  # ours count pages and API together
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
ACCOUNT_SESSION_REMEMBER = True
WELCOME_TOKENS = whole_number("WELCOME_TOKENS", default=10, least=0, most=1_000_000)
METRICS_TOKEN = text("METRICS_TOKEN")

EMAIL_BACKEND = "intellispark.unsent_mail.UnsentMail"
if EMAIL_URL:
    vars().update(env.email_url_config(EMAIL_URL))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = text("DEFAULT_FROM_EMAIL", default="IntelliSpark <hello@localhost>")
CONTACT_EMAIL = text("CONTACT_EMAIL")

# --- API --------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "intellispark.accounts.tokens.BearerAuthentication",
        "intellispark.accounts.tokens.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["intellispark.api.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "intellispark.api.errors.exception_handler",
    "DATETIME_FORMAT": "iso-8601",
}
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=15),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=30),
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "SIGNING_KEY": sha256(f"api-tokens:{SECRET_KEY}".encode()).hexdigest(),
}
SPECTACULAR_SETTINGS = {
    "TITLE": "IntelliSpark API",
    "DESCRIPTION": "Chat with AI characters on a token balance that is exact and live everywhere.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "chat.api.schema.add_generations",
        "payments.api.schema.add_tokens",
        "intellispark.api.schema.add_errors",
    ],
    "ENUM_ADD_EXPLICIT_BLANK_NULL_CHOICE": False,
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
REQUEST_HEAD_SECS = 20  # from a request's first byte to the end of its head
REQUEST_BODY_SECS = 60  # and then to the end of its body
CONNECTIONS_PER_ADDRESS = 250  # of one process; this machine's and those of our proxies not counted

# --- Replies ----------------------------------------------------------------------------------

OPENAI_BASE_URL = url("OPENAI_BASE_URL", schemes=("http", "https"))
OPENAI_API_KEY = text("OPENAI_API_KEY")
OPENAI_MODEL = text("OPENAI_MODEL", default="gpt-4o-mini")
AI_PROVIDER = text("AI_PROVIDER", default="openai" if OPENAI_BASE_URL or OPENAI_API_KEY else "demo")
AI_PROVIDERS = {
    "demo": "chat.replies.providers.demo.DemoProvider",
    "openai": "chat.replies.providers.openai.OpenAIProvider",
}
AI_FIRST_TOKEN_TIMEOUT = seconds("AI_FIRST_TOKEN_TIMEOUT", default=30)
AI_IDLE_TIMEOUT = seconds("AI_IDLE_TIMEOUT", default=20)
AI_TOTAL_TIMEOUT = seconds("AI_TOTAL_TIMEOUT", default=180)
AI_DEMO_WORDS_PER_SEC = 18  # a comfortable reading pace
AI_PRICE_TOKENS = 1  # what a reply costs, unless its model says otherwise

# --- Payments ---------------------------------------------------------------------------------

# With so many tokens or fewer, people are warned wherever their balance is shown.
BALANCE_LOW_AT = 5
BALANCE_VERY_LOW_AT = 2

# --- Realtime ---------------------------------------------------------------------------------

BEACON_SECS = 25
SOCKET_STALL_SECS = 10  # a client that reads nothing for so long is closed

# --- Language and time ------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [BASE_DIR / "intellispark" / "locale"]
USE_I18N = True
FORMAT_MODULE_PATH = "intellispark.formats"  # dates as the scripts say them
USE_TZ = True
TIME_ZONE = "UTC"

# --- Static files -----------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "intellispark" / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage"
            if DEBUG
            else "whitenoise.storage.CompressedManifestStaticFilesStorage"
        )
    },
}
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_AUTOREFRESH = DEBUG

# --- Security ---------------------------------------------------------------------------------

CSRF_FAILURE_VIEW = "intellispark.views.csrf_failure"
SESSION_ENGINE = "intellispark.accounts.sessions"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _behind_https
# Not a header: only `behind_proxies` writes it, from that of a proxy in TRUSTED_PROXIES.
SECURE_PROXY_SSL_HEADER = ("TRUSTED_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 31_536_000 if _behind_https else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

LOGGING_CONFIG = None
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG  # one line a request, when it is answered
logging_config(debug=DEBUG)
