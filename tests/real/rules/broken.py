#!/usr/bin/env python3
"""Prints a test for promtool that breaks one thing at a time: each rule must fire for its own, and only for it.

usage: broken.py RULES [--without ALERT]...
"""
import json
import sys

L = 'namespace="m",job="thanos-receive"'
R0 = L + ',pod="r-0",instance="r-0:10902"'


def up(values, instance='r-0'):
    return (f'up{{{L},pod="{instance}",instance="{instance}:10902"}}', values)


ALIVE = up('1x500')
FACTOR = (f'thanos_receive_replication_factor{{{R0}}}', '3x500')
NODES = (f'thanos_receive_hashring_nodes{{{R0},name=""}}', '3x500')


def forwards(error):
    """Forwards of which this share fails, in all series that versions count them in."""
    ok, bad = 100 - error, error
    return [
        (f'thanos_receive_replications_total{{{R0},result="success"}}', f'0+{ok}x500'),
        (f'thanos_receive_replications_total{{{R0},result="error"}}', f'0+{bad}x500'),
        (f'thanos_receive_forward_requests_total{{{R0},result="success"}}', f'0+{ok}x500'),
        (f'thanos_receive_forward_requests_total{{{R0},result="error"}}', f'0+{bad}x500'),
        (f'grpc_client_handled_total{{{R0},grpc_method="RemoteWrite",grpc_code="OK"}}', f'0+{ok}x500'),
        (f'grpc_client_handled_total{{{R0},grpc_method="RemoteWrite",grpc_code="Unavailable"}}', f'0+{bad}x500'),
    ]


# name, series, minutes until then, alerts that must fire
CASES = [
    ('one member is down', [ALIVE, up('0x500', 'r-1')], 10, ['ThanosReceiverDown']),
    ('none is there', [('other', '1x500')], 10, ['ThanosReceiveIsDown']),
    ('a tenth of the forwards fails', [ALIVE, FACTOR, NODES, *forwards(10)], 30, ['ThanosReceiverReplicationFailing']),
    ('half of the forwards fails: one of three members is gone', [ALIVE, FACTOR, NODES, *forwards(50)], 30,
     ['ThanosReceiverReplicationFailing', 'ThanosReceiveHighForwardRequestFailures']),
    ('all forwards fail: two of three members are gone', [ALIVE, FACTOR, NODES, *forwards(100)], 30,
     ['ThanosReceiverReplicationFailing', 'ThanosReceiveHighForwardRequestFailures', 'ThanosReceiveHighReplicationFailures']),
    ('a volume is nearly full', [
        ALIVE,
        ('kubelet_volume_stats_used_bytes{namespace="m",persistentvolumeclaim="data-thanos-receive-0"}', '90x500'),
        ('kubelet_volume_stats_capacity_bytes{namespace="m",persistentvolumeclaim="data-thanos-receive-0"}', '100x500'),
    ], 15, ['ThanosReceiverDiskSpaceRunningOut']),
    ('memory is near its limit', [
        ALIVE,
        ('container_memory_working_set_bytes{namespace="m",pod="thanos-receive-0",container="thanos-receive"}', '95x500'),
        ('kube_pod_container_resource_limits{namespace="m",pod="thanos-receive-0",container="thanos-receive",resource="memory"}', '100x500'),
    ], 15, ['ThanosReceiverHighMemory']),
    ('members hold different hashrings', [
        ALIVE,
        (f'thanos_receive_config_hash{{{R0}}}', '1.2e14x500'),
        (f'thanos_receive_config_hash{{{L},pod="r-1",instance="r-1:10902"}}', '9.9e13x500'),
    ], 20, ['ThanosReceiverHashringInconsistent']),
    ('uploads fail', [
        ALIVE,
        (f'thanos_objstore_bucket_operation_failures_total{{{R0},bucket="b",operation="upload"}}', '0+2x500'),
    ], 30, ['ThanosReceiverS3UploadFailing']),
    ('a tenth of the writes is answered 503', [
        ALIVE,
        (f'http_requests_total{{{R0},handler="receive",code="200"}}', '0+90x500'),
        (f'http_requests_total{{{R0},handler="receive",code="503"}}', '0+10x500'),
    ], 15, ['ThanosReceiveHttpRequestErrorRateHigh']),
    ('writes take 20 seconds', [
        ALIVE,
        (f'http_request_duration_seconds_bucket{{{R0},handler="receive",le="10"}}', '0x500'),
        (f'http_request_duration_seconds_bucket{{{R0},handler="receive",le="30"}}', '0+100x500'),
        (f'http_request_duration_seconds_bucket{{{R0},handler="receive",le="+Inf"}}', '0+100x500'),
        (f'http_request_duration_seconds_count{{{R0},handler="receive"}}', '0+100x500'),
    ], 20, ['ThanosReceiveHttpRequestLatencyHigh']),
    ('the hashring file cannot be read', [
        ALIVE,
        (f'thanos_receive_config_last_reload_successful{{{R0}}}', '1x500'),
        # One refresh in five minutes, as by default.
        (f'thanos_receive_hashrings_file_errors_total{{{R0}}}', ' '.join(str(i // 5) for i in range(120))),
        (f'thanos_receive_hashrings_file_refreshes_total{{{R0}}}', ' '.join(str(i // 5) for i in range(120))),
    ], 60, ['ThanosReceiveHighHashringFileRefreshFailures', 'ThanosReceiveConfigReloadFailure']),
    ('nothing is uploaded', [
        ALIVE,
        (f'thanos_shipper_uploads_total{{{R0},tenant="t"}}', '7x500'),
        (f'prometheus_tsdb_head_samples_appended_total{{{R0},tenant="t"}}', '0+100x500'),
    ], 400, ['ThanosReceiveNoUpload']),
    ('the limits cannot be reloaded', [
        ALIVE,
        (f'thanos_receive_limits_config_reload_total{{{R0}}}', '1x29 3x500'),
        (f'thanos_receive_limits_config_reload_err_total{{{R0}}}', '0x500'),
    ], 35, ['ThanosReceiveLimitsConfigReloadFailure']),
    ('active series cannot be asked for', [
        ALIVE,
        (f'thanos_receive_metamonitoring_failed_queries_total{{{R0}}}', '0+4x500'),
    ], 15, ['ThanosReceiveLimitsHighMetaMonitoringQueriesFailureRate']),
    ('a tenant is at its limit', [
        ALIVE,
        (f'thanos_receive_head_series_limited_requests_total{{{R0},tenant="t"}}', '0+5x500'),
    ], 15, ['ThanosReceiveTenantLimitedByHeadSeries']),
]


def main():
    rules, without = sys.argv[1], sys.argv[3::2]
    tests = []
    for name, series, minutes, alerts in CASES:
        firing = sorted(set(alerts) - set(without))
        tests.append({
            'name': name,
            'interval': '1m',
            'input_series': [{'series': s, 'values': v} for s, v in series],
            'promql_expr_test': [{
                'expr': 'count by (alertname) (ALERTS{alertstate="firing"})',
                'eval_time': f'{minutes}m',
                'exp_samples': [{'labels': f'{{alertname="{a}"}}', 'value': 1} for a in firing],
            }],
        })
    # JSON is YAML.
    print(json.dumps({'rule_files': [rules], 'evaluation_interval': '1m', 'tests': tests}, indent=1))


main()
