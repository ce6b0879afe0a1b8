from django.urls import path

from labeling.api import measuring, overlap, pauses, reviewers, reviewing, rounds, staffing, suspicions
from labeling.views import absences as absence_pages
from labeling.views import reviewing as pages
from labeling.views import rounds as round_pages

# Owners' and programs' views of people and rubrics; see routing.urls for why they are a list of their own.
project_api_urlpatterns = [
    path("agreement/", measuring.AgreementView.as_view(), name="agreement"),
    path("disputes/", measuring.DisputesView.as_view(), name="disputes"),
    path("disputes/summary/", measuring.DisputeSummaryView.as_view(), name="dispute-summary"),
    path("reviewers/", reviewers.ReviewersView.as_view(), name="reviewers"),
    path("suspicions/", suspicions.SuspicionsView.as_view(), name="suspicions"),
    path("suspicions/<int:pk>/overrule/", suspicions.OverruleView.as_view(), name="suspicion-overrule"),
    path("onboarding/", rounds.OnboardingView.as_view(), name="onboarding"),
    path("rounds/", rounds.RoundsView.as_view(), name="rounds"),
    path("staffing/", staffing.OverviewView.as_view(), name="staffing"),
    path("absences/", staffing.AbsencesView.as_view(), name="absences"),
    path("absences/<int:pk>/cancel/", staffing.CancelView.as_view(), name="absence-cancel"),
    path("alarms/", staffing.AlarmsView.as_view(), name="alarms"),
    path("alarms/<int:pk>/seen/", staffing.SeenView.as_view(), name="alarm-seen"),
    path("escalation-steps/", staffing.EscalationStepsView.as_view(), name="escalation-steps"),
    path("rubrics/", measuring.RubricsView.as_view(), name="rubrics"),
    path("rubrics/<str:name>/<int:version>/", measuring.RubricView.as_view(), name="rubric"),
    path("rubrics/<str:name>/<int:version>/publish/", measuring.PublishRubricView.as_view(), name="rubric-publish"),
    path("rubrics/<str:name>/<int:version>/calibrate/", overlap.CalibrateRubricView.as_view(), name="rubric-calibrate"),
    path("rubrics/<str:name>/<int:version>/put-in-force/", overlap.PutInForceView.as_view(), name="rubric-in-force"),
    path("rubrics/<str:name>/<int:version>/withdraw/", overlap.WithdrawRubricView.as_view(), name="rubric-withdraw"),
    path("slices/", pauses.SlicesView.as_view(), name="slices"),
    path("slices/pauses/", pauses.PauseView.as_view(), name="slice-pauses"),
    path("slices/pauses/<int:pk>/lift/", pauses.LiftView.as_view(), name="slice-lift"),
    path("overlap-rounds/", overlap.OverlapRoundsView.as_view(), name="overlap-rounds"),
    path("overlap-rounds/<int:pk>/", overlap.OverlapRoundView.as_view(), name="overlap-round"),
]

api_urlpatterns = [
    path("projects/<slug:slug>/queue/claim/", reviewing.ClaimView.as_view(), name="claim"),
    path("assignments/<str:token>/submit/", reviewing.SubmitView.as_view(), name="submit"),
    path("assignments/<str:token>/undo/", reviewing.UndoView.as_view(), name="undo"),
    path("assignments/<str:token>/open/", reviewing.OpenView.as_view(), name="open"),
    path("assignments/<str:token>/heartbeat/", reviewing.HeartbeatView.as_view(), name="heartbeat"),
    path("assignments/<str:token>/draft/", reviewing.DraftView.as_view(), name="draft"),
    path("assignments/<str:token>/release/", reviewing.ReleaseView.as_view(), name="release"),
    path("assignments/<str:token>/escalate/", reviewing.EscalateView.as_view(), name="escalate"),
]

page_urlpatterns = [
    path("projects/<slug:slug>/review/", pages.start, name="review"),
    path("projects/<slug:slug>/review/next/", pages.next_item, name="review-next"),
    path("projects/<slug:slug>/review/ahead/", pages.ahead, name="review-ahead"),
    path("projects/<slug:slug>/review/waiting/", pages.waiting, name="review-waiting"),
    path("projects/<slug:slug>/absences/", absence_pages.absences, name="my-absences"),
    path("projects/<slug:slug>/absences/<int:pk>/cancel/", absence_pages.cancel, name="my-absence-cancel"),
    path("projects/<slug:slug>/mine/", pages.mine, name="mine"),
    path("projects/<slug:slug>/welcome/", round_pages.welcome, name="welcome"),
    path("projects/<slug:slug>/round/", round_pages.round_page, name="round"),
    path("review/<str:token>/feedback/", round_pages.practice_page, name="practice-feedback"),
    path("review/<str:token>/", pages.assignment, name="assignment"),
    path("review/<str:token>/release/", pages.release, name="review-release"),
    path("review/<str:token>/escalate/", pages.escalate_item, name="review-escalate"),
    path("review/<str:token>/undo/", pages.undo, name="review-undo"),
    path("review/<str:token>/diff/", pages.difference, name="review-diff"),
]
