"""What a tracking step costs: as a whole, stage by stage, and against the limit of the device."""
