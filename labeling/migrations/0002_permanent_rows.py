from django.db import migrations

from reviewapp.core.triggers import RefuseTrigger, append_only

PUBLISHED = "EXISTS (SELECT 1 FROM labeling_rubric r WHERE r.id = {row}.rubric_id AND r.published_at IS NOT NULL)"
CRITERION = "criteria of a published rubric are permanent; draft a new version"


class Migration(migrations.Migration):
    dependencies = [("labeling", "0001_initial"), ("core", "0002_permanent_rows")]
    operations = [
        *append_only("labeling_rating"),
        *append_only("labeling_ratingwithdrawal"),
        *append_only("labeling_verdict"),
        *append_only("labeling_goldresult"),
        *append_only("labeling_repeatresult"),
        *append_only("labeling_goldenset"),
        *append_only("labeling_goldencase"),
        *append_only("labeling_rubric", "OLD.published_at IS NOT NULL"),
        RefuseTrigger("labeling_criterion", "INSERT", CRITERION, PUBLISHED.format(row="NEW")),
        RefuseTrigger("labeling_criterion", "UPDATE", CRITERION, PUBLISHED.format(row="OLD")),
        RefuseTrigger("labeling_criterion", "DELETE", CRITERION, PUBLISHED.format(row="OLD")),
        RefuseTrigger(
            "labeling_goldencase",
            "INSERT",
            "a frozen golden set takes no further cases",
            "NEW.position >= (SELECT s.case_count FROM labeling_goldenset s WHERE s.id = NEW.golden_set_id)",
        ),
        RefuseTrigger(
            "labeling_seat",
            "INSERT",
            "an item never has more seats than raters_needed",
            "NEW.number > (SELECT i.raters_needed FROM labeling_reviewitem i WHERE i.id = NEW.item_id)",
        ),
    ]
