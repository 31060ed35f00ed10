import { workspaceRules } from '@workspace/eslint-config';

export default workspaceRules(import.meta.dirname);
