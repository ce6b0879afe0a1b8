from django.urls import path

from routing.api import outputs

api_urlpatterns = [
    path("outputs/", outputs.OutputsView.as_view(), name="outputs"),
    path("outputs/batch/", outputs.BatchView.as_view(), name="outputs-batch"),
    path("outputs/<uuid:output_id>/", outputs.OutputView.as_view(), name="output"),
]
