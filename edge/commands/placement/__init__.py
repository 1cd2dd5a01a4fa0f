"""Will this camera position work? Half a minute of watching, answered in words and numbers, never in pictures."""
