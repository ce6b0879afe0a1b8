from django.urls import path

from routing.api import golden, outputs, steering

api_urlpatterns = [
    path("outputs/", outputs.OutputsView.as_view(), name="outputs"),
    path("outputs/batch/", outputs.BatchView.as_view(), name="outputs-batch"),
    path("outputs/<uuid:output_id>/", outputs.OutputView.as_view(), name="output"),
]

# Below /projects/<slug>/ for people and keys; at the root as well for keys, which fix the project themselves.
project_api_urlpatterns = [
    path("policies/", steering.PoliciesView.as_view(), name="policies"),
    path("policies/<int:version>/", steering.PolicyView.as_view(), name="policy"),
    path("policies/<int:version>/replay/", steering.ReplayView.as_view(), name="policy-replay"),
    path("policies/<int:version>/activate/", steering.ActivateView.as_view(), name="policy-activate"),
    path("recalibrations/", steering.RecalibrationsView.as_view(), name="recalibrations"),
    path("recalibrations/<int:pk>/", steering.RecalibrationView.as_view(), name="recalibration"),
    path("recalibrations/<int:pk>/approve/", steering.ApproveView.as_view(), name="recalibration-approve"),
    path("recalibrations/<int:pk>/reject/", steering.RejectView.as_view(), name="recalibration-reject"),
    path("certificates/", steering.CertificatesView.as_view(), name="certificates"),
    path("calibration/", steering.CalibrationView.as_view(), name="calibration"),
    path("gold-cases/", golden.GoldCasesView.as_view(), name="gold-cases"),
    path("golden-sets/", golden.GoldenSetsView.as_view(), name="golden-sets"),
    path("golden-sets/<str:name>/", golden.GoldenSetView.as_view(), name="golden-set"),
    path("golden-sets/<str:name>/export/", golden.GoldenExportView.as_view(), name="golden-set-export"),
]
