#!/usr/bin/env python3
"""Uses every tool of `rdiag mcp` through the reference client. usage: mcp_client.py RDIAG BUNDLE CAUSE,
or, for the tool that looks at a cluster: mcp_client.py RDIAG --cluster NAMESPACE CAUSE"""
import asyncio
import json
import os
import re
import sys
import tempfile

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

RING = [{'hashring': 'default', 'algorithm': 'ketama',
         'endpoints': [f'thanos-receive-{i}.thanos-receive.monitoring.svc:10901' for i in range(3)]}]


def get(value, *names):
    """A field, under the name of whichever version of the SDK this is."""
    for name in names:
        if hasattr(value, name):
            return getattr(value, name)
    raise AttributeError(names)


async def cluster(program, namespace, cause):
    server = StdioServerParameters(command=program, args=['mcp'], env=dict(os.environ))
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        answer = await session.call_tool('cluster_report', {'namespace': namespace, 'minutes': 60})
        value = get(answer, 'structuredContent', 'structured_content')
        assert not get(answer, 'isError', 'is_error'), answer.content[0].text
        top = value['incidents'][0]['hypotheses'][0]
        assert re.fullmatch(cause, top['cause']), top
        assert 'untrusted' in value and answer.content[0].text.strip()
        failed = await session.call_tool('cluster_report', {'namespace': 'no-such-namespace'})
        assert get(failed, 'isError', 'is_error'), failed
    print(f'mcp: cluster_report says {top["cause"]} of {namespace}')


async def main():
    if sys.argv[2] == '--cluster':
        return await cluster(sys.argv[1], *sys.argv[3:])
    program, bundle, cause = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        ring = f'{folder}/hashrings.json'
        with open(ring, 'w') as file:
            json.dump(RING, file)
        server = StdioServerParameters(command=program, args=['mcp', '--root', os.path.dirname(bundle), '--root', folder])
        async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
            hello = await session.initialize()
            assert get(hello, 'serverInfo', 'server_info').name == 'rdiag', hello
            tools = (await session.list_tools()).tools
            names = {tool.name for tool in tools}
            assert names >= {'diagnose', 'explain', 'hashring_locate', 'incidents_list', 'incidents_show'}, names
            assert all(get(tool.annotations, 'readOnlyHint', 'read_only_hint') for tool in tools)

            async def call(name, **arguments):
                answer = await session.call_tool(name, arguments)
                return (get(answer, 'isError', 'is_error'), get(answer, 'structuredContent', 'structured_content'),
                        answer.content[0].text)

            failed, value, text = await call('diagnose', paths=[bundle])
            assert not failed, text
            top = value['incidents'][0]['hypotheses'][0]
            assert top['cause'] == cause, top
            assert 'untrusted' in value and text.strip()
            failed, _, text = await call('diagnose', paths=['/etc/passwd'])
            assert failed and 'outside' in text, text
            failed, value, _ = await call('explain', id=cause)
            assert not failed and cause in value['page']
            failed, _, text = await call('explain', id='no-such-thing')
            assert failed, text
            failed, value, _ = await call('search_manual', words='disk full')
            assert not failed and any(page['id'] == 'disk-full' for page in value['pages']), value
            failed, value, text = await call('hashring_locate', file=ring, series='{__name__="up",job="node"}', replication_factor=3)
            assert not failed and len(set(value['members'])) == 3, text
            failed, _, text = await call('incidents_list')
            assert failed and '--data-dir' in text, text
    print(f'mcp: {len(names)} tools answer the reference client')


asyncio.run(main())
