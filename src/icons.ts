import { LabIcon } from '@jupyterlab/ui-components';

import agents from '../style/icons/agents.svg';
import clock from '../style/icons/clock.svg';
import denied from '../style/icons/denied.svg';
import eye from '../style/icons/eye.svg';
import spinner from '../style/icons/spinner.svg';
import warning from '../style/icons/warning.svg';

export const agentsIcon = new LabIcon({
  name: 'jmcp-lab:agents',
  svgstr: agents
});

export const clockIcon = new LabIcon({ name: 'jmcp-lab:clock', svgstr: clock });

export const deniedIcon = new LabIcon({
  name: 'jmcp-lab:denied',
  svgstr: denied
});

export const eyeIcon = new LabIcon({ name: 'jmcp-lab:eye', svgstr: eye });

export const spinnerIcon = new LabIcon({
  name: 'jmcp-lab:spinner',
  svgstr: spinner
});

export const warningIcon = new LabIcon({
  name: 'jmcp-lab:warning',
  svgstr: warning
});
