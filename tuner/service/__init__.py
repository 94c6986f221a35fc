"""The service: ``tuner worker`` runs trials of whatever studies are submitted, fairly."""
