from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from labeling.urls import api_urlpatterns as labeling_api
from labeling.urls import page_urlpatterns as labeling_pages
from labeling.urls import project_api_urlpatterns as labeling_project_api
from reviewapp.core.accounts.urls import urlpatterns as account_pages
from reviewapp.core.admin import sign_in_for_admin
from reviewapp.core.problems import not_found
from reviewapp.core.views import healthz, home, readyz
from routing.urls import api_urlpatterns as routing_api
from routing.urls import page_urlpatterns as routing_pages
from routing.urls import project_api_urlpatterns as routing_project_api

project_api: list[URLPattern | URLResolver] = [*routing_project_api, *labeling_project_api]
api: list[URLPattern | URLResolver] = [
    *routing_api,
    *labeling_api,
    path("projects/<slug:slug>/", include(project_api)),
    path("", include(project_api)),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    # Line breaks too: whatever else is asked for gets a problem, not a page.
    re_path(r"^[\s\S]*$", not_found),
]

urlpatterns = [
    path("api/v1/", include(api)),
    re_path(r"^api/[\s\S]*$", not_found),
    path("admin/login/", sign_in_for_admin),
    path("admin/", admin.site.urls),
    path("healthz", healthz),
    path("readyz", readyz),
    path("", home, name="home"),
    *account_pages,
    *labeling_pages,
    *routing_pages,
]
