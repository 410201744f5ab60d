-- Only what the service's role may do, and nothing for longer than the deadline. A commit is on disk when it is
-- acknowledged, whatever the server's default is.
select set_config(setting.name, setting.value, false) as "value!"
from (
    values
        ('statement_timeout', $1),
        ('lock_timeout', $1),
        ('idle_in_transaction_session_timeout', $2),
        (
            'synchronous_commit',
            case when current_setting('synchronous_commit') in ('off', 'local') then 'on'
                else current_setting('synchronous_commit')
            end
        ),
        ('jit', 'off'),
        ('role', 'docent_app')
) as setting (name, value)
