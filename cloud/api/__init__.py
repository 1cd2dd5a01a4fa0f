"""The read API: its questions and answers, and the figures in them. ``cloud.web`` serves it over HTTP."""
