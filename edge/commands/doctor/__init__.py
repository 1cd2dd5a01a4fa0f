"""``footlight-edge doctor``: every check from the camera to the store and back, each measured by itself."""
