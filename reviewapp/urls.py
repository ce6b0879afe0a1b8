from django.contrib import admin
from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from labeling.urls import api_urlpatterns as labeling_api
from reviewapp.core.problems import not_found
from reviewapp.core.views import healthz, readyz
from routing.urls import api_urlpatterns as routing_api

api = [
    *routing_api,
    *labeling_api,
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    re_path(r"^.*$", not_found),
]

urlpatterns = [
    path("api/v1/", include(api)),
    path("admin/", admin.site.urls),
    path("healthz", healthz),
    path("readyz", readyz),
]
