"""What the device and the server share: the wire, the words, configuration files, MQTT."""
