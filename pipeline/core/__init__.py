"""Values that cross folders, frozen, without behaviour that touches a store, and the topology of stages and gates."""
