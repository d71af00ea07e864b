"""Every path of the site.

Pages end in a slash, API paths do not (but `/api/schema/`, `/api/docs/`).
"""

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_replace
from django.contrib import admin
from django.urls import include, path
from django.views.decorators.common import no_append_slash
from drf_spectacular.views import SpectacularSwaggerSplitView

from intellispark import health
from intellispark.api.schema_view import SchemaView

# Swagger UI writes style attributes; its scripts are files, so the rest of our policy holds.
docs = csp_replace({"style-src": [SELF, UNSAFE_INLINE]})(
    SpectacularSwaggerSplitView.as_view(url_name="schema")
)

urlpatterns = [
    path("", include("chat.urls")),
    path("payment/", include("payments.urls")),
    path("", include("intellispark.accounts.urls")),
    path("accounts/", include("allauth.account.urls")),
    path("admin/", admin.site.urls),
    path("api/auth/", include("intellispark.accounts.api_urls")),
    path("api/payment/", include("payments.api.urls")),
    path("api/", include("chat.api.urls")),
    path("api/schema/", no_append_slash(SchemaView.as_view()), name="schema"),
    path("api/docs/", no_append_slash(docs), name="docs"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
]

handler400 = "intellispark.views.bad_request"
handler403 = "intellispark.views.permission_denied"
handler404 = "intellispark.views.page_not_found"
handler500 = "intellispark.views.server_error"
