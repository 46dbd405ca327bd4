"""Winner determination and payments: three problems, one interface (:mod:`market.vcg`)."""
