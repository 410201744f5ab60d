select
    count(*) filter (where state = 'ready') as "ready!",
    count(*) filter (where state = 'running') as "running!"
from jobs
where state in ('ready', 'running')
