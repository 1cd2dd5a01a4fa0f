"""What every MQTT connection of Footlight shares."""
