"""Telling people: alerts by Slack, PagerDuty and whatever else is configured."""
