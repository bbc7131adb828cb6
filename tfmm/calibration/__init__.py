"""All that is fitted on train."""
