"""``footlight-edge doctor``: every hop from the camera to the store and back, each measured by itself."""
