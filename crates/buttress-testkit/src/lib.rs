//! Real servers, a fault-injecting proxy and contract probes for tests.
