import org.codelibs.opensearch.runner.OpenSearchRunner;

/** One OpenSearch node on loopback: `Run HTTP-PORT FOLDER`. Ends when it is killed. */
public final class Run {
    public static void main(final String[] arguments) throws Exception {
        final OpenSearchRunner runner = new OpenSearchRunner();
        runner.onBuild((number, settings) -> {
            settings.put("http.port", arguments[0]);
            settings.put("transport.port", "0");
            settings.put("network.host", "127.0.0.1");
            settings.put("discovery.type", "single-node");
            // A single node refuses to start with these, and the runner always sets them.
            settings.remove("cluster.initial_cluster_manager_nodes");
            settings.remove("discovery.seed_hosts");
        }).build(OpenSearchRunner.newConfigs().basePath(arguments[1]).numOfNode(1).clusterName("lab"));
        Thread.currentThread().join();
    }
}
