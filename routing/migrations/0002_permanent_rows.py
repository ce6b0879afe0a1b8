from django.db import migrations

from reviewapp.core.triggers import append_only


class Migration(migrations.Migration):
    dependencies = [("routing", "0001_initial"), ("labeling", "0002_permanent_rows")]
    operations = [
        *append_only("routing_output"),
        *append_only("routing_signal"),
        *append_only("routing_decision"),
        *append_only("routing_outputreview"),
        *append_only("routing_calibrator"),
        *append_only("routing_certificate"),
        *append_only("routing_trafficreference"),
        *append_only("routing_policyactivation"),
        *append_only("routing_verdictevent"),
        *append_only("routing_judgeversion"),
        *append_only("routing_judgeverdict"),
        *append_only("routing_policy", "OLD.published_at IS NOT NULL"),
    ]
