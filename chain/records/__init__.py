"""What the pallets store, as frozen values in the project's terms: one module for each pallet."""
