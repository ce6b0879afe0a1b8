from django.urls import path

from labeling.api import measuring, reviewing
from labeling.views import reviewing as pages

# Owners' and programs' views of people and rubrics; see routing.urls for why they are a list of their own.
project_api_urlpatterns = [
    path("agreement/", measuring.AgreementView.as_view(), name="agreement"),
    path("disputes/", measuring.DisputesView.as_view(), name="disputes"),
    path("reviewers/", measuring.ReviewersView.as_view(), name="reviewers"),
    path("rubrics/", measuring.RubricsView.as_view(), name="rubrics"),
    path("rubrics/<str:name>/<int:version>/publish/", measuring.PublishRubricView.as_view(), name="rubric-publish"),
]

api_urlpatterns = [
    path("projects/<slug:slug>/queue/claim/", reviewing.ClaimView.as_view(), name="claim"),
    path("assignments/<str:token>/submit/", reviewing.SubmitView.as_view(), name="submit"),
    path("assignments/<str:token>/undo/", reviewing.UndoView.as_view(), name="undo"),
    path("assignments/<str:token>/heartbeat/", reviewing.HeartbeatView.as_view(), name="heartbeat"),
    path("assignments/<str:token>/draft/", reviewing.DraftView.as_view(), name="draft"),
    path("assignments/<str:token>/release/", reviewing.ReleaseView.as_view(), name="release"),
    path("assignments/<str:token>/escalate/", reviewing.EscalateView.as_view(), name="escalate"),
]

page_urlpatterns = [
    path("projects/<slug:slug>/review/", pages.start, name="review"),
    path("projects/<slug:slug>/review/next/", pages.next_item, name="review-next"),
    path("projects/<slug:slug>/mine/", pages.mine, name="mine"),
    path("review/<str:token>/", pages.assignment, name="assignment"),
    path("review/<str:token>/release/", pages.release, name="review-release"),
    path("review/<str:token>/escalate/", pages.escalate_item, name="review-escalate"),
    path("review/<str:token>/undo/", pages.undo, name="review-undo"),
]
