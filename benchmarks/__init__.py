"""The cost of Footlight, compared with other systems and with a minimum. These are not tests."""
