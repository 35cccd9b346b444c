#!/usr/bin/env bash
# recurrent makes "10 mg every day" a dose every ten days, and of "every day for 10 days" the 10th of January.
#
# recurrent turns phrases into rules for a calendar (RRULE); its readme shows "every other tuesday".
# Instructions for medicines are such phrases. A number that it cannot place, wherever it stands, becomes
# the interval or a day of the year: "2 tablets every day" is every two days, "every day with 2 tablets"
# once a year on its second day, "every day for 10 days" and "every day at 8 and 20" likewise. A second
# span replaces the first ("every 6 hours for 3 days" is every three days), the tens of a number in words
# are dropped ("every twenty four hours" is every four: six times the dose), and so is what comes after
# "and". parse() gives a rule each time, and is_recurring agrees. "every 8 hours", "every second day" and
# "every day for 2 weeks" are right, so a first try passes. Guess before the run: None for what is not
# understood, as for "twice daily". adaroute makes no schedule of words.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check \
  recurrent==0.4.1 parsedatetime==2.6 2>/dev/null
"$folder/env/bin/python" -W ignore - <<'PYTHON'
import datetime
from importlib.metadata import version

from recurrent import RecurringEvent

wanted = {
    "every 8 hours": "RRULE:INTERVAL=8;FREQ=HOURLY",
    "every second day": "RRULE:INTERVAL=2;FREQ=DAILY",
    "every day for 2 weeks": "RRULE:INTERVAL=1;FREQ=DAILY;UNTIL=20260629",
    "twice daily": None,
    "10 mg every day": "RRULE:INTERVAL=10;FREQ=DAILY",
    "2 tablets every day": "RRULE:INTERVAL=2;FREQ=DAILY",
    "every day with 2 tablets": "RRULE:BYYEARDAY=2;INTERVAL=1;FREQ=YEARLY",
    "every day for 10 days": "RRULE:BYYEARDAY=10;INTERVAL=1;FREQ=DAILY",
    "every day at 8 and 20": "RRULE:BYYEARDAY=20;BYHOUR=8;BYMINUTE=0;INTERVAL=1;FREQ=YEARLY",
    "every day at 8am and 8pm": "RRULE:BYHOUR=8;BYMINUTE=0;INTERVAL=1;FREQ=DAILY",
    "every 6 hours for 3 days": "RRULE:INTERVAL=3;FREQ=DAILY",
    "every twenty four hours": "RRULE:INTERVAL=4;FREQ=HOURLY",
}
print(*(f"{n} {version(n)}" for n in ("recurrent", "parsedatetime")))
for phrase, expected in wanted.items():
    event = RecurringEvent(now_date=datetime.datetime(2026, 6, 15, 12))
    got = event.parse(phrase)
    print(f"{phrase:27}{got}")
    assert got == expected, f"recurrent has changed: {phrase!r} gave {got}"
    assert expected is None or event.is_recurring
PYTHON
