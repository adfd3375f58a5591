"""Stand-in for Altinity's clickhouse-operator 0.25.x: ClickHouseInstallation and ClickHouseKeeperInstallation."""
