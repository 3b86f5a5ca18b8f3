"""From recordings with first boxes to labels for every frame: on one machine or on a cluster."""
