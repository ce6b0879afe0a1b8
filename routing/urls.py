from django.urls import include, path

from routing.api import delivery as delivery_api
from routing.api import detectors as detectors_api
from routing.api import explain, otlp, outputs, steering
from routing.api import golden as golden_api
from routing.api import judges as judges_api
from routing.api import policies as policies_api
from routing.views import console, delivery, detectors, golden, judges, learning, measuring, policies, settings

api_urlpatterns = [
    path("outputs/", outputs.OutputsView.as_view(), name="outputs"),
    path("outputs/batch/", outputs.BatchView.as_view(), name="outputs-batch"),
    path("outputs/<uuid:output_id>/", outputs.OutputView.as_view(), name="output"),
    path("policies/schema/", policies_api.SchemaView.as_view(), name="policy-schema"),
    # As exporters call it: they append /v1/traces to their endpoint, without a slash at the end.
    path("otlp/v1/traces", otlp.TracesView.as_view(), name="otlp-traces"),
]

# Below /projects/<slug>/ for people and keys; at the root as well for keys, which fix the project themselves.
project_api_urlpatterns = [
    path("outputs/<uuid:output_id>/explain/", explain.ExplainView.as_view(), name="output-explain"),
    path("policies/", policies_api.PoliciesView.as_view(), name="policies"),
    path("policies/scheduled/", policies_api.ScheduleView.as_view(), name="policy-scheduled"),
    path("policies/<int:version>/", policies_api.PolicyVersionView.as_view(), name="policy"),
    path("policies/<int:version>/replay/", policies_api.ReplayView.as_view(), name="policy-replay"),
    path("policies/<int:version>/activate/", policies_api.ActivateView.as_view(), name="policy-activate"),
    path("two-person-rule/", policies_api.TwoPersonsView.as_view(), name="two-person-rule"),
    path("recalibrations/", steering.RecalibrationsView.as_view(), name="recalibrations"),
    path("recalibrations/<int:pk>/", steering.RecalibrationView.as_view(), name="recalibration"),
    path("recalibrations/<int:pk>/approve/", steering.ApproveView.as_view(), name="recalibration-approve"),
    path("recalibrations/<int:pk>/reject/", steering.RejectView.as_view(), name="recalibration-reject"),
    path("certificates/", steering.CertificatesView.as_view(), name="certificates"),
    path("calibration/", steering.CalibrationView.as_view(), name="calibration"),
    path("verdicts/", delivery_api.VerdictsView.as_view(), name="verdicts"),
    path("webhooks/", delivery_api.WebhooksView.as_view(), name="webhooks"),
    path("webhooks/<int:pk>/", delivery_api.WebhookView.as_view(), name="webhook"),
    path("webhooks/<int:pk>/rotate/", delivery_api.RotateView.as_view(), name="webhook-rotate"),
    path("webhooks/<int:pk>/test/", delivery_api.PingView.as_view(), name="webhook-test"),
    path("webhooks/<int:pk>/deliveries/", delivery_api.DeliveriesView.as_view(), name="webhook-deliveries"),
    path("webhooks/<int:pk>/redeliver/", delivery_api.RedeliverDeadView.as_view(), name="webhook-redeliver"),
    path("webhooks/deliveries/<int:pk>/redeliver/", delivery_api.RedeliverView.as_view(), name="delivery-redeliver"),
    path("detectors/", detectors_api.DetectorsView.as_view(), name="detectors"),
    path("judges/", judges_api.JudgesView.as_view(), name="judges"),
    path("judges/<str:name>/", judges_api.JudgeView.as_view(), name="judge"),
    path("judges/<str:name>/try/", judges_api.TryView.as_view(), name="judge-try"),
    path("gold-cases/", golden_api.GoldCasesView.as_view(), name="gold-cases"),
    path("golden-sets/", golden_api.GoldenSetsView.as_view(), name="golden-sets"),
    path("golden-sets/<str:name>/", golden_api.GoldenSetView.as_view(), name="golden-set"),
    path("golden-sets/<str:name>/export/", golden_api.GoldenExportView.as_view(), name="golden-set-export"),
]

# The owners' and auditors' pages of one project.
console_urlpatterns = [
    path("console/", console.console, name="console"),
    path("outputs/", console.outputs, name="console-outputs"),
    path("outputs/<uuid:output_id>/", console.output, name="console-output"),
    path("outputs/<uuid:output_id>/explain/", console.explain, name="console-output-explain"),
    path("agreement/", measuring.agreement, name="console-agreement"),
    path("disputes/", measuring.disputes, name="console-disputes"),
    path("reviewers/", measuring.reviewers, name="console-reviewers"),
    path("rubrics/", measuring.rubrics, name="console-rubrics"),
    path("rubrics/<path:name>/<int:version>/", measuring.rubric, name="console-rubric"),
    path("policies/", policies.policies, name="console-policies"),
    path("policies/new/", policies.draft, name="console-policy-draft"),
    path("policies/<int:version>/", policies.policy, name="console-policy"),
    path("policies/<int:version>/edit/", policies.edit, name="console-policy-edit"),
    path("policies/<int:version>/replay/", policies.replay, name="console-policy-replay"),
    path("policies/<int:version>/activate/", policies.activate, name="console-policy-activate"),
    path("policies/schedule/cancel/", policies.cancel, name="console-policy-cancel"),
    path("recalibrations/", learning.recalibrations, name="console-recalibrations"),
    path("recalibrations/new/", learning.propose, name="console-recalibration-propose"),
    path("recalibrations/<int:pk>/", learning.recalibration, name="console-recalibration"),
    path("recalibrations/<int:pk>/decide/", learning.decide, name="console-recalibration-decide"),
    path("calibrators/<int:version>/", learning.calibrator, name="console-calibrator"),
    path("certificates/", learning.certificates, name="console-certificates"),
    path("certificates/issue/", learning.issue, name="console-certificate-issue"),
    path("certificates/<int:pk>/", learning.certificate, name="console-certificate"),
    path("golden-sets/", golden.golden_sets, name="console-golden-sets"),
    path("golden-sets/freeze/", golden.freeze, name="console-golden-set-freeze"),
    path("golden-sets/<str:name>/", golden.golden_set, name="console-golden-set"),
    path("golden-sets/<str:name>/download/", golden.download, name="console-golden-set-download"),
    path("gold-cases/", golden.gold_cases, name="console-gold-cases"),
    path("gold-cases/new/", golden.add_case, name="console-gold-case-add"),
    path("gold-cases/answers/", measuring.gold_answers, name="console-gold-answers"),
    path("gold-cases/<int:pk>/", golden.gold_case, name="console-gold-case"),
    path("gold-cases/<int:pk>/retire/", golden.retire_case, name="console-gold-case-retire"),
    path("detectors/", detectors.detectors, name="console-detectors"),
    path("judges/", judges.judges, name="console-judges"),
    path("judges/new/", judges.add, name="console-judge-add"),
    path("judges/<str:name>/", judges.judge, name="console-judge"),
    path("judges/<str:name>/change/", judges.change, name="console-judge-change"),
    path("judges/<str:name>/try/", judges.try_it, name="console-judge-try"),
    path("webhooks/", delivery.webhooks, name="console-webhooks"),
    path("webhooks/new/", delivery.add, name="console-webhook-add"),
    path("webhooks/<int:pk>/", delivery.webhook, name="console-webhook"),
    path("webhooks/<int:pk>/switch/", delivery.switch, name="console-webhook-switch"),
    path("webhooks/<int:pk>/rotate/", delivery.rotate, name="console-webhook-rotate"),
    path("webhooks/<int:pk>/test/", delivery.ping, name="console-webhook-test"),
    path("webhooks/<int:pk>/redeliver/", delivery.redeliver_all, name="console-webhook-redeliver"),
    path("webhooks/deliveries/<int:pk>/redeliver/", delivery.redeliver_one, name="console-delivery-redeliver"),
    path("settings/", settings.settings, name="console-settings"),
    path("settings/two-persons/", settings.two_persons, name="console-two-persons"),
    path("settings/queue/", settings.queue, name="console-queue"),
    path("settings/people/", settings.people, name="console-people"),
    path("settings/people/<int:pk>/password/", settings.password, name="console-password"),
    path("settings/people/<int:pk>/pause/", settings.pause, name="console-pause"),
    path("settings/people/<int:pk>/resume/", settings.resume, name="console-resume"),
    path("settings/keys/", settings.keys, name="console-keys"),
    path("settings/keys/<int:pk>/revoke/", settings.revoke, name="console-key-revoke"),
]

page_urlpatterns = [path("projects/<slug:slug>/", include(console_urlpatterns))]
