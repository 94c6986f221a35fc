"""The service: ``tuner worker`` runs trials of whatever studies are up for work, fairly."""
