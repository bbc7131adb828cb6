"""Training over several processes: collectors, a learner that serves them, tables between them."""
