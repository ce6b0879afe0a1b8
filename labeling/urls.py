from django.urls import path

from labeling.api import reviewing

api_urlpatterns = [
    path("projects/<slug:slug>/queue/claim/", reviewing.ClaimView.as_view(), name="claim"),
    path("assignments/<str:token>/submit/", reviewing.SubmitView.as_view(), name="submit"),
    path("assignments/<str:token>/undo/", reviewing.UndoView.as_view(), name="undo"),
    path("assignments/<str:token>/heartbeat/", reviewing.HeartbeatView.as_view(), name="heartbeat"),
    path("assignments/<str:token>/draft/", reviewing.DraftView.as_view(), name="draft"),
    path("assignments/<str:token>/release/", reviewing.ReleaseView.as_view(), name="release"),
    path("assignments/<str:token>/escalate/", reviewing.EscalateView.as_view(), name="escalate"),
]
